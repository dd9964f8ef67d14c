#include "paracord/memmap/persist.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "paracord/memmap/mapped_file.h"
#include "paracord/memmap/new_file.h"

namespace paracord::detail {

namespace {

// Enough for the length of the header that follows; most headers are all in here.
constexpr std::size_t first_read = 128;

NpyHeader read_header(const OpenFile& file) {
  std::vector<std::byte> start(std::min<std::uint64_t>(first_read, file.bytes()));
  read_fully(file.fd(), start.data(), start.size(), 0, file.path());
  const std::size_t needed = npy_header_bytes(start, file.path());
  const std::size_t known = start.size();
  if (needed > known && needed <= file.bytes()) {
    start.resize(needed);
    read_fully(file.fd(), start.data() + known, needed - known, known, file.path());
  }
  return parse_npy_header(start, file.path());
}

std::shared_ptr<Buffer> read_elements(const OpenFile& file, const NpyHeader& header) {
  const auto bytes = static_cast<std::size_t>(header.data_bytes());
  std::shared_ptr<Buffer> buffer = allocate_buffer(bytes);
  read_fully(file.fd(), buffer->data, bytes, header.data_offset, file.path());
  if (header.swapped) swap_bytes(buffer->data, bytes, header.type);
  return buffer;
}

void check_mappable(const NpyHeader& header, const std::string& path) {
  if (header.swapped) {
    throw std::runtime_error("'" + path +
                             "' cannot be mapped: its numbers are in the other byte order; load it "
                             "without mmap_mode, which turns them round");
  }
  if (header.data_offset % header.type.bytes != 0) {
    throw std::runtime_error("'" + path + "' cannot be mapped: its elements begin at byte " +
                             std::to_string(header.data_offset) +
                             ", which is no multiple of their size; load it without mmap_mode");
  }
}

}  // namespace

Loaded load_npy(const std::string& path, const NpyType& wanted, const LoadOptions& options) {
  const MmapMode mode = options.mmap_mode.value_or(MmapMode::read);
  if (mode == MmapMode::write) {
    throw std::invalid_argument("load('" + path +
                                "') was given MmapMode::write, which makes a new file: use "
                                "create_npy(), or MmapMode::read_write");
  }
  const auto file = std::make_shared<OpenFile>(path, mode);
  const NpyHeader header = read_header(*file);
  if (header.type != wanted) {
    throw std::runtime_error("'" + path + "' holds " + to_string(header.type) + ", but " +
                             to_string(wanted) +
                             " was asked for; load it as what it is, and convert the elements");
  }
  file->check_holds(header.data_offset, header.data_bytes());
  if (!options.mmap_mode) return {read_elements(*file, header), header.shape, header.order};
  check_mappable(header, path);
  return {map_file(file, mode, header.data_offset, static_cast<std::size_t>(header.data_bytes())),
          header.shape, header.order};
}

void dump_npy(const std::string& path, const NpyType& type, const void* first,
              const ArrayLayout& layout) {
  const std::size_t bytes = count_elements(layout.shape, type.bytes) * type.bytes;
  const bool c_order = is_contiguous(layout, Order::c);
  const bool packs = !c_order && !is_contiguous(layout, Order::fortran);
  std::shared_ptr<Buffer> packed;
  if (packs) {
    packed = allocate_on_heap(bytes);
    pack(packed->data, first, layout, type.bytes);
    first = packed->data;
  }
  NewFile file(path);
  const Order order = c_order || packs ? Order::c : Order::fortran;
  const std::string header = write_npy_header(type, layout.shape, order);
  file.write(header.data(), header.size());
  file.write(first, bytes);
  file.commit();
}

Loaded create_npy(const std::string& path, const NpyType& type, const Shape& shape, Order order) {
  const std::size_t bytes = count_elements(shape, type.bytes) * type.bytes;
  const std::string header = write_npy_header(type, shape, order);
  NewFile made(path);
  made.write(header.data(), header.size());
  made.extend(header.size() + std::uint64_t{bytes});
  auto buffer =
      map_file(std::make_shared<OpenFile>(made.fd(), path), MmapMode::write, header.size(), bytes);
  made.commit();
  return {std::move(buffer), shape, order};
}

std::shared_ptr<Buffer> map_raw(const std::string& path, std::size_t bytes, std::size_t alignment,
                                const RawOptions& options) {
  if (options.offset % alignment != 0) {
    throw std::invalid_argument("the offset " + std::to_string(options.offset) + " in '" + path +
                                "' is no multiple of " + std::to_string(alignment) +
                                ", the alignment of the elements; map bytes, and copy them");
  }
  if (options.mode != MmapMode::write) {
    return map_file(std::make_shared<OpenFile>(path, options.mode), options.mode, options.offset,
                    bytes);
  }
  std::uint64_t total = 0;
  if (__builtin_add_overflow(options.offset, std::uint64_t{bytes}, &total)) {
    throw std::invalid_argument("the offset " + std::to_string(options.offset) + " in '" + path +
                                "' lies beyond the end of any file");
  }
  NewFile made(path);
  made.extend(total);
  auto buffer =
      map_file(std::make_shared<OpenFile>(made.fd(), path), MmapMode::write, options.offset, bytes);
  made.commit();
  return buffer;
}

}  // namespace paracord::detail
