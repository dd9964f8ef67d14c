#include "paracord/backends/processes/debug_information.h"

#ifdef PARACORD_WITH_LIBDW

#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdwfl.h>

#include <cstdio>
#include <cstdlib>

namespace paracord::detail {

namespace {

// The functions that are used of the library. Null: there is none.
struct Library {
#define PARACORD_LIBDW_FUNCTIONS(each)                                                             \
  each(dwfl_begin) each(dwfl_end) each(dwfl_report_begin) each(dwfl_report_end)                    \
      each(dwfl_linux_proc_maps_report) each(dwfl_linux_proc_find_elf)                             \
          each(dwfl_standard_find_debuginfo) each(dwfl_addrmodule) each(dwfl_module_addrdie)       \
              each(dwfl_module_addrname) each(dwfl_module_getsrc) each(dwfl_lineinfo)              \
                  each(dwfl_module_getdwarf) each(dwarf_getscopes) each(dwarf_getscopes_die)       \
                      each(dwarf_dieoffset) each(dwarf_offdie) each(dwarf_tag) each(dwarf_diename) \
                          each(dwarf_diecu) each(dwarf_getsrcfiles) each(dwarf_filesrc)            \
                              each(dwarf_attr_integrate) each(dwarf_attr) each(dwarf_formudata)    \
                                  each(dwarf_formstring)
#define PARACORD_DECLARE(name) decltype(&::name) name = nullptr;
  PARACORD_LIBDW_FUNCTIONS(PARACORD_DECLARE)
#undef PARACORD_DECLARE

  static const Library* find() {
    static const Library* const library = []() -> const Library* {
      void* handle = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
      if (handle == nullptr) return nullptr;
      static Library loaded;
      bool whole = true;
#define PARACORD_LOAD(name)                                                \
  loaded.name = reinterpret_cast<decltype(&::name)>(dlsym(handle, #name)); \
  whole &= loaded.name != nullptr;
      PARACORD_LIBDW_FUNCTIONS(PARACORD_LOAD)
#undef PARACORD_LOAD
      return whole ? &loaded : nullptr;
    }();
    return library;
  }
};

const Library& library() {
  return *Library::find();
}

// Only what lies on this machine: a server of debug information may be slow to answer.
int find_debug_file(Dwfl_Module* module, void** data, const char* name, Dwarf_Addr base,
                    const char* file, const char* link, GElf_Word sum, char** found) {
  if (std::getenv("DEBUGINFOD_URLS") != nullptr) return -1;
  return library().dwfl_standard_find_debuginfo(module, data, name, base, file, link, sum, found);
}

std::string name_of(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  for (const unsigned kind : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    if (library().dwarf_attr_integrate(die, kind, &attribute) == nullptr) continue;
    if (const char* mangled = library().dwarf_formstring(&attribute)) return demangled(mangled);
  }
  const char* name = library().dwarf_diename(die);
  return name == nullptr ? std::string() : name;
}

bool is_function(Dwarf_Die* die) {
  const int tag = library().dwarf_tag(die);
  return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram;
}

Dwarf_Word number_of(Dwarf_Die* die, unsigned kind) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (library().dwarf_attr(die, kind, &attribute) == nullptr) return 0;
  library().dwarf_formudata(&attribute, &value);
  return value;
}

// Who called an inlined function, and from which line.
void set_caller(Dwarf_Die* inlined, Dwarf_Files* files, StackFrame& caller) {
  const Dwarf_Word file = number_of(inlined, DW_AT_call_file);
  const char* path =
      files == nullptr ? nullptr : library().dwarf_filesrc(files, file, nullptr, nullptr);
  caller.file = path == nullptr ? std::string() : path;
  caller.line = static_cast<int>(number_of(inlined, DW_AT_call_line));
}

}  // namespace

struct DebugInformation::State {
  Dwfl* all = nullptr;
  Dwfl_Callbacks callbacks{};

  explicit State(const std::string& maps) {
    callbacks.find_elf = library().dwfl_linux_proc_find_elf;
    callbacks.find_debuginfo = &find_debug_file;
    std::string text = maps;
    std::FILE* file = text.empty() ? nullptr : fmemopen(text.data(), text.size(), "r");
    if (file == nullptr) return;
    all = library().dwfl_begin(&callbacks);
    if (all != nullptr) {
      library().dwfl_report_begin(all);
      library().dwfl_linux_proc_maps_report(all, file);
      library().dwfl_report_end(all, nullptr, nullptr);
    }
    std::fclose(file);
  }
  ~State() {
    if (all != nullptr) library().dwfl_end(all);
  }

  // The scopes at the address, the innermost first; to be freed.
  int scopes_at(Dwfl_Module* module, Dwarf_Addr address, Dwarf_Die** scopes) {
    Dwarf_Addr bias = 0;
    Dwarf_Die* unit = library().dwfl_module_addrdie(module, address, &bias);
    if (unit == nullptr) return 0;
    Dwarf_Die* found = nullptr;
    if (library().dwarf_getscopes(unit, address - bias, &found) <= 0) return 0;
    // Once more from the innermost: what comes then are the functions that it was inlined into.
    Dwarf_Die innermost;
    const Dwarf_Off offset = library().dwarf_dieoffset(&found[0]);
    std::free(found);
    Dwarf* dwarf = library().dwfl_module_getdwarf(module, &bias);
    if (library().dwarf_offdie(dwarf, offset, &innermost) == nullptr) return 0;
    return library().dwarf_getscopes_die(&innermost, scopes);
  }

  void add(Dwarf_Addr address, StackFrame frame, std::vector<StackFrame>& frames) {
    Dwfl_Module* module = all == nullptr ? nullptr : library().dwfl_addrmodule(all, address);
    if (module == nullptr) return;
    if (Dwfl_Line* line = library().dwfl_module_getsrc(module, address)) {
      const char* file =
          library().dwfl_lineinfo(line, nullptr, &frame.line, nullptr, nullptr, nullptr);
      if (file != nullptr) frame.file = file;
    }
    Dwarf_Die* scopes = nullptr;
    const int count = scopes_at(module, address, &scopes);
    Dwarf_Die unit;
    Dwarf_Files* files = nullptr;
    if (count > 0 && library().dwarf_diecu(&scopes[0], &unit, nullptr, nullptr) != nullptr)
      (void)library().dwarf_getsrcfiles(&unit, &files, nullptr);
    bool any = false;
    for (int i = 0; i < count; ++i) {
      if (!is_function(&scopes[i])) continue;
      frame.function = name_of(&scopes[i]);
      frames.push_back(frame);
      any = true;
      if (library().dwarf_tag(&scopes[i]) == DW_TAG_subprogram) break;
      set_caller(&scopes[i], files, frame);
    }
    std::free(scopes);
    const char* symbol = any ? nullptr : library().dwfl_module_addrname(module, address);
    if (symbol == nullptr) return;
    frame.function = demangled(symbol);
    frames.push_back(std::move(frame));
  }
};

DebugInformation::DebugInformation(const std::string& maps) {
  if (Library::find() != nullptr) state_ = std::make_unique<State>(maps);
}

DebugInformation::~DebugInformation() = default;

void DebugInformation::add_frames(std::uintptr_t address, const StackFrame& known,
                                  std::vector<StackFrame>& frames) {
  if (state_ != nullptr) state_->add(address, known, frames);
}

}  // namespace paracord::detail

#else

namespace paracord::detail {

struct DebugInformation::State {};
DebugInformation::DebugInformation(const std::string&) {}
DebugInformation::~DebugInformation() = default;
void DebugInformation::add_frames(std::uintptr_t, const StackFrame&, std::vector<StackFrame>&) {}

}  // namespace paracord::detail

#endif
