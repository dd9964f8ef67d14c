#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How files are made smaller: zlib, gzip, bz2, xz, lz4 and zstd are there, others can be added.
namespace paracord {

/// One stream on its way through a compressor, or back.
class CompressionStream {
 public:
  /// What is to be read, and room to write to. run() moves both on.
  struct Step {
    const std::byte* in;
    std::size_t in_left;
    std::byte* out;
    std::size_t out_left;
  };
  virtual ~CompressionStream() = default;
  /// Goes on until the input is used up, the room is, or the stream is complete, which it returns.
  /// `last`: there is no more input, so complete the stream; when decompressing, one whose format
  /// has no end mark is complete now.
  /// Throws std::runtime_error that says what is wrong with the input.
  virtual bool run(Step& step, bool last) = 0;
};

struct Compressor {
  std::string name;       ///< as options call it: "zstd"
  std::string extension;  ///< of files that it compresses unasked, with the dot: ".zst"
  std::string magic;      ///< the first bytes of its files, by which load() knows them
  int lowest_level = 1, highest_level = 9, default_level = 3;
  /// `threads`: how many to use besides this one; may be ignored.
  std::unique_ptr<CompressionStream> (*compress)(int level, int threads) = nullptr;
  std::unique_ptr<CompressionStream> (*decompress)() = nullptr;
};

/// Lets dump() and load() use a compressor of your own.
///
/// Threads: any.
/// Errors: std::invalid_argument for one without name, magic or functions, and for a name,
/// extension or magic that is taken, unless `replace` is set.
void register_compressor(const Compressor& compressor, bool replace = false);

/// Their names, in the order in which they were registered.
std::vector<std::string> compressor_names();

namespace detail {

/// One that was chosen, and how.
struct Compression {
  Compressor compressor;
  int level;
  int threads;
};
/// By name ("zstd", "zstd:19"; "none"), or, where that is empty, by the path's extension. Throws
/// std::invalid_argument.
std::optional<Compression> choose_compression(const std::string& name, const std::string& path,
                                              std::optional<int> level, int threads);
/// By the first bytes of a file, at least most_magic of them where the file has them.
std::optional<Compressor> find_compressor(std::string_view start);
inline constexpr std::size_t most_magic = 16;

Compressor zlib_compressor();
Compressor gzip_compressor();
Compressor bz2_compressor();
Compressor xz_compressor();
Compressor lz4_compressor();
Compressor zstd_compressor();

}  // namespace detail
}  // namespace paracord
