#include "paracord/cache/entry_writer.h"

#include <string>
#include <utility>

#include "paracord/memmap/compressed_stream.h"

namespace paracord::detail {

namespace {

// Gathers a small entry, so that it is written at once; hands on a large one as it comes.
class Gather final : public ByteSink {
 public:
  explicit Gather(Reservation& to) : to_(to) {}
  void write(const void* data, std::size_t bytes) override {
    total_ += bytes;
    if (gathered_.size() + bytes <= most) {
      gathered_.append(static_cast<const char*>(data), bytes);
      return;
    }
    hand_on();
    if (bytes >= most) {
      to_.write(data, bytes);
    } else {
      gathered_.assign(static_cast<const char*>(data), bytes);
    }
  }
  // Puts `start` in place of the first bytes.
  void finish(const std::string& start) {
    if (handed_on_) {
      hand_on();
      to_.overwrite_start(start.data(), start.size());
    } else {
      gathered_.replace(0, start.size(), start);
      hand_on();
    }
  }
  std::uint64_t total() const { return total_; }

 private:
  static constexpr std::size_t most = std::size_t{256} << 10;
  void hand_on() {
    if (!gathered_.empty()) to_.write(gathered_.data(), gathered_.size());
    gathered_.clear();
    handed_on_ = true;
  }
  Reservation& to_;
  std::string gathered_;
  std::uint64_t total_ = 0;
  bool handed_on_ = false;
};

}  // namespace

std::uint64_t write_entry(Reservation& to, EntryInfo info, const std::string& compress,
                          const CallFrame& frame) {
  const std::size_t room = entry_start_room(info);
  Gather out(to);
  const std::string blank(room, ' ');  // until the size is known
  out.write(blank.data(), blank.size());
  const auto encode = [](Encoder& encoder, const void* any) {
    static_cast<const CallFrame*>(any)->encode(encoder);
  };
  const auto compression =
      compress.empty() ? std::nullopt : choose_compression(compress, "", std::nullopt, 0);
  if (compression) {
    CompressingSink compressing(*compression, out);
    write_value(compressing, frame.type(), encode, &frame);
    compressing.finish();
  } else {
    write_value(out, frame.type(), encode, &frame);
  }
  info.bytes = out.total() - room;
  out.finish(entry_start(info, compression ? compression->compressor.name : "", room));
  return out.total();
}

}  // namespace paracord::detail
