#include "paracord/memmap/persist.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "paracord/core/huge_pages.h"
#include "paracord/memmap/file_stream.h"
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

void check_mode(const std::string& path, const LoadOptions& options) {
  if (options.threads < 0) {
    throw std::invalid_argument("load('" + path + "') was given threads = " +
                                std::to_string(options.threads) + "; 0 uses only this one");
  }
  if (options.mmap_mode != MmapMode::write) return;
  throw std::invalid_argument("load('" + path +
                              "') was given MmapMode::write, which makes a new file: use "
                              "create_npy(), or MmapMode::read_write");
}

void check_uncompressed(const StoredFile& stored, const LoadOptions& options) {
  if (!options.mmap_mode || !stored.is_compressed()) return;
  throw std::runtime_error("'" + stored.path() +
                           "' cannot be mapped: it is compressed; load it without mmap_mode, or "
                           "dump it with .compress = \"none\"");
}

void check_header(const NpyHeader& header, const NpyType& wanted, const std::string& path,
                  const LoadOptions& options) {
  if (header.type != wanted) {
    throw std::runtime_error("'" + path + "' holds " + to_string(header.type) + ", but " +
                             to_string(wanted) +
                             " was asked for; load it as what it is, and convert the elements");
  }
  if (header.data_bytes() > options.max_bytes) {
    throw std::runtime_error("'" + path + "' holds " + std::to_string(header.data_bytes()) +
                             " bytes, more than max_bytes");
  }
}

// Reads up to `bytes`; an npy header tells soon what is too short.
void read_start(ByteSource& in, std::vector<std::byte>& start, std::size_t bytes) {
  const std::size_t known = start.size();
  start.resize(bytes);
  std::size_t end = known;
  while (end != bytes) {
    const std::size_t got = in.read_some(start.data() + end, bytes - end);
    if (got == 0) break;
    end += got;
  }
  start.resize(end);
}

Loaded load_compressed_npy(StoredFile& stored, const NpyType& wanted, const LoadOptions& options) {
  ByteSource& in = stored.stream();
  std::vector<std::byte> start;
  read_start(in, start, 12);
  read_start(in, start, std::max(start.size(), npy_header_bytes(start, stored.path())));
  const NpyHeader header = parse_npy_header(start, stored.path());
  check_header(header, wanted, stored.path(), options);
  const auto bytes = static_cast<std::size_t>(header.data_bytes());
  std::shared_ptr<Buffer> buffer = allocate_buffer(bytes);
  std::optional<PageMaker> pages;
  if (options.threads > 1 && bytes >= least_for_huge_pages) pages.emplace(buffer->data, bytes);
  if (!in.skip(header.data_offset - start.size()) || !in.read(buffer->data, bytes)) {
    throw std::runtime_error("'" + stored.path() +
                             "' ends before the last of its elements; was it cut off?");
  }
  std::byte behind;  // asked for also since a compressor's own checks come at the end
  if (in.read_some(&behind, 1) != 0) {
    throw std::runtime_error("'" + stored.path() +
                             "' goes on behind the last of its elements; it is damaged, or no .npy "
                             "file");
  }
  if (header.swapped) swap_bytes(buffer->data, bytes, header.type);
  return {std::move(buffer), header.shape, header.order};
}

}  // namespace

Loaded load_npy(const std::string& path, const NpyType& wanted, const LoadOptions& options) {
  check_mode(path, options);
  const MmapMode mode = options.mmap_mode.value_or(MmapMode::read);
  StoredFile stored(path, mode, options.threads);
  check_uncompressed(stored, options);
  if (stored.is_compressed()) return load_compressed_npy(stored, wanted, options);
  const auto& file = stored.file();
  const NpyHeader header = read_header(*file);
  check_header(header, wanted, path, options);
  file->check_holds(header.data_offset, header.data_bytes());
  if (!options.mmap_mode) return {read_elements(*file, header), header.shape, header.order};
  check_mappable(header, path);
  return {map_file(file, mode, header.data_offset, static_cast<std::size_t>(header.data_bytes())),
          header.shape, header.order};
}

void dump_npy(const std::string& path, const NpyType& type, const void* first,
              const ArrayLayout& layout, const DumpOptions& options) {
  const std::size_t bytes = count_elements(layout.shape, type.bytes) * type.bytes;
  const bool c_order = is_contiguous(layout, Order::c);
  const bool packs = !c_order && !is_contiguous(layout, Order::fortran);
  std::shared_ptr<Buffer> packed;
  if (packs) {
    packed = allocate_on_heap(bytes);
    pack(packed->data, first, layout, type.bytes);
    first = packed->data;
  }
  const Order order = c_order || packs ? Order::c : Order::fortran;
  const std::string header = write_npy_header(type, layout.shape, order);
  const auto compression =
      choose_compression(options.compress, path, options.level, options.threads);
  write_file(path, compression, [&](ByteSink& out) {
    out.write(header.data(), header.size());
    out.write(first, bytes);
  });
}

void dump_value(const std::string& path, const TypeText& type, EncodeValue encode,
                const void* value, const DumpOptions& options) {
  const auto compression =
      choose_compression(options.compress, path, options.level, options.threads);
  write_file(path, compression, [&](ByteSink& out) { write_value(out, type, encode, value); });
}

void load_value(const std::string& path, const std::string& type, const std::string& first_type,
                DecodeValue decode, void* place, const LoadOptions& options) {
  check_mode(path, options);
  StoredFile stored(path, options.mmap_mode.value_or(MmapMode::read), options.threads);
  check_uncompressed(stored, options);
  ReadOptions how;
  how.name = path;
  how.first_type = first_type;
  how.max_bytes = options.max_bytes;
  how.mmap_mode = options.mmap_mode;
  how.makes_pages = options.threads > 1;
  if (!stored.is_compressed()) {
    how.available = stored.file()->bytes();
    how.file = stored.file();
  }
  read_value(stored.stream(), how, type, decode, place);
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

void refuse_bool(const std::string& path) {
  throw std::runtime_error(
      "'" + path +
      "' cannot be read: a byte in it that shall be a bool is neither 0 nor 1; "
      "map it as std::uint8_t, with map_raw");
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
