#include "paracord/backends/processes/spawn.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "paracord/backends/processes/worker_program.h"
#include "paracord/backends/worker/initialize.h"
#include "paracord/core/cpu_count.h"
#include "paracord/core/errors.h"

extern char** environ;

namespace paracord::detail {

namespace {

// A worker that finds these would take itself for a rank of the job.
constexpr std::array<std::string_view, 12> launcher_prefixes = {
    "OMPI_", "PMI_",      "PMIX_",     "PMI2_", "PRTE_",  "ORTE_",
    "OPAL_", "MPI_LOCAL", "MV2_COMM_", "HYDI_", "HYDRA_", "MPIEXEC_"};

constexpr std::array<const char*, 8> thread_variables = {
    "OMP_NUM_THREADS",        "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",     "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS",    "NUMEXPR_NUM_THREADS", "TBB_NUM_THREADS"};

constexpr int socket_in_child = 3;
constexpr int most_attempts = 100;
constexpr int milliseconds_between_attempts = 10;

std::string own_path() {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length < 0 ? std::string() : std::string(path, static_cast<std::size_t>(length));
}

// The file that an address of this process is mapped from.
std::string file_at(std::uintptr_t address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) != 2) continue;
    if (address < begin || address >= end) continue;
    const std::size_t path = line.find('/');
    return path == std::string::npos ? std::string() : line.substr(path);
  }
  return {};
}

std::uintptr_t address_in_program() {
  std::uintptr_t address = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        *static_cast<std::uintptr_t*>(data) = reinterpret_cast<std::uintptr_t>(info->dlpi_phdr);
        return 1;  // the first is the program
      },
      &address);
  return address;
}

// What a loader was told before the program's name, as --library-path: workers need it too.
std::vector<std::string> loader_options(const std::filesystem::path& program) {
  std::ifstream command_line("/proc/self/cmdline");
  std::vector<std::string> options;
  std::string argument;
  std::getline(command_line, argument, '\0');  // the loader
  while (std::getline(command_line, argument, '\0')) {
    std::error_code none;
    const std::filesystem::path path(argument);
    // A relative path may lead elsewhere by now.
    if (std::filesystem::equivalent(path, program, none) || path.filename() == program.filename())
      return options;
    options.push_back(argument);
  }
  return {};
}

// What to execute. /proc/self/exe is this very file, also when its name has gone to another
// meanwhile; but where the program was started through an explicit loader, it is that loader.
struct Command {
  std::string program;
  std::vector<std::string> arguments;
};
Command command(const WorkerSpec& spec) {
  if (!spec.program.empty()) return {spec.program, {spec.program}};
  if (!spec.own_executable) return {worker_program(), {worker_program()}};
  const std::string kernels = own_path();
  const std::string linkers = file_at(address_in_program());
  if (linkers.empty() || linkers == kernels) return {"/proc/self/exe", {kernels}};
  // The loader opens it by its name, which the system marks when the name has gone.
  if (access(linkers.c_str(), R_OK) != 0) {
    throw BackendUnavailable("a worker process cannot be started: the program was started by " +
                             kernels + ", and its file was replaced or deleted since (" + linkers +
                             "); start the program again");
  }
  Command loader{"/proc/self/exe", {kernels}};
  for (std::string& option : loader_options(linkers)) loader.arguments.push_back(std::move(option));
  loader.arguments.push_back(linkers);
  return loader;
}

struct FileActions {
  FileActions() { posix_spawn_file_actions_init(&actions); }
  FileActions(const FileActions&) = delete;
  ~FileActions() { posix_spawn_file_actions_destroy(&actions); }
  posix_spawn_file_actions_t actions;
};

struct Attributes {
  Attributes() { posix_spawnattr_init(&attributes); }
  Attributes(const Attributes&) = delete;
  ~Attributes() { posix_spawnattr_destroy(&attributes); }
  posix_spawnattr_t attributes;
};

void prepare(FileActions& files, const ChildEnds& ends) {
  posix_spawn_file_actions_addopen(&files.actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files.actions, ends.output, 1);
  posix_spawn_file_actions_adddup2(&files.actions, ends.errors, 2);
  posix_spawn_file_actions_adddup2(&files.actions, ends.socket, socket_in_child);
  int next = socket_in_child + 1;
  if (ends.last_words >= 0) {
    posix_spawn_file_actions_adddup2(&files.actions, ends.last_words, last_words_of_role);
    next = last_words_of_role + 1;
  }
  posix_spawn_file_actions_addclosefrom_np(&files.actions, next);
}

void prepare(Attributes& attributes) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes.attributes, &none);
  posix_spawnattr_setsigdefault(&attributes.attributes, &all);
  posix_spawnattr_setpgroup(&attributes.attributes, 0);
  posix_spawnattr_setflags(&attributes.attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

namespace {

std::map<std::string, std::string> own_variables() {
  std::map<std::string, std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const bool of_a_launcher =
        std::any_of(launcher_prefixes.begin(), launcher_prefixes.end(),
                    [&](std::string_view prefix) { return text.starts_with(prefix); });
    const std::size_t equals = text.find('=');
    if (of_a_launcher || equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

std::vector<std::string> as_list(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> environment;
  for (const auto& [name, value] : variables) environment.push_back(name + "=" + value);
  return environment;
}

}  // namespace

std::vector<std::string> own_environment() {
  return as_list(own_variables());
}

std::vector<std::string> worker_environment(int n_jobs, int inner_threads,
                                            const std::map<std::string, std::string>& extra) {
  std::map<std::string, std::string> variables = own_variables();
  const std::string share = std::to_string(std::max(cpu_count() / n_jobs, 1));
  for (const char* name : thread_variables) {
    if (inner_threads > 0) {
      variables[name] = std::to_string(inner_threads);
    } else {
      variables.emplace(name, share);
    }
  }
  // As joblib's: oneTBB's schedulers of several processes share the CPUs.
  variables.emplace("ENABLE_IPC", "1");
  // Nested calls share what is there: all workers together use the machine once.
  variables["PARACORD_MAX_CPU_COUNT"] = share;
  for (const auto& [name, value] : extra) variables[name] = value;
  return as_list(variables);
}

cpu_set_t process_cpus() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  sched_getaffinity(getpid(), sizeof cpus, &cpus);
  // An OpenMP runtime that binds threads (OMP_PROC_BIND) has bound this one, but knows the places
  // that it chose from.
  const auto place_count = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_num_places"));
  const auto size_of_place =
      reinterpret_cast<int (*)(int)>(dlsym(RTLD_DEFAULT, "omp_get_place_num_procs"));
  const auto cpus_of_place =
      reinterpret_cast<void (*)(int, int*)>(dlsym(RTLD_DEFAULT, "omp_get_place_proc_ids"));
  if (place_count == nullptr || size_of_place == nullptr || cpus_of_place == nullptr) return cpus;
  for (int place = 0; place < place_count(); ++place) {
    std::vector<int> ids(static_cast<std::size_t>(size_of_place(place)));
    if (!ids.empty()) cpus_of_place(place, ids.data());
    for (const int id : ids) CPU_SET(id, &cpus);
  }
  return cpus;
}

int spawn_worker(const WorkerSpec& spec, ChildEnds ends, const char* role) {
  FileActions files;
  Attributes attributes;
  prepare(files, ends);
  prepare(attributes);
  auto [program, arguments] = command(spec);
  arguments.push_back(worker_sentinel);
  arguments.push_back(std::to_string(socket_in_child));
  if (role != nullptr) arguments.push_back(role);
  int pid = 0;
  const std::vector<char*> words = pointers_to(arguments);
  const std::vector<char*> variables = pointers_to(spec.environment);
  int error = ETXTBSY;
  // A file that has just been written can be held open for a moment by a process that another
  // thread is starting.
  for (int attempt = 0; error == ETXTBSY && attempt != most_attempts; ++attempt) {
    if (attempt != 0) poll(nullptr, 0, milliseconds_between_attempts);
    error = posix_spawn(&pid, program.c_str(), &files.actions, &attributes.attributes, words.data(),
                        variables.data());
  }
  if (error != 0) {
    throw BackendUnavailable("a worker process cannot be started from " + program + " (" +
                             own_path() + "): " + std::strerror(error));
  }
  return pid;
}

std::string text_of_end(std::optional<int> status) {
  if (!status)
    return "has ended, nobody knows how: the program itself waits for children, or ignores SIGCHLD";
  if (!WIFSIGNALED(*status)) return "exited with code " + std::to_string(WEXITSTATUS(*status));
  const int signal = WTERMSIG(*status);
  const char* name = sigabbrev_np(signal);
  return "was ended by signal " + std::to_string(signal) + " (" +
         (name != nullptr ? "SIG" + std::string(name) + ", " : std::string()) +
         sigdescr_np(signal) + ")";
}

}  // namespace paracord::detail
