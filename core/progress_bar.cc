// A progress bar for people: in place on a terminal, sparse lines elsewhere.

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "paracord/core/observer.h"
#include "paracord/core/probe.h"

namespace paracord {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto redraw_interval = std::chrono::milliseconds(100);
constexpr auto line_interval = std::chrono::seconds(5);
constexpr std::size_t narrowest_bar = 10, widest_bar = 40;

std::size_t terminal_width() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

class ProgressBar final : public Observer {
 public:
  explicit ProgressBar(std::string title)
      : title_(std::move(title)), terminal_(isatty(STDERR_FILENO) != 0) {}

  void call_started(const CallStarted& event) override {
    started_ = event.time;
    shown_ = event.time;
    total_ = event.task_count;
    done_ = failed_ = 0;
  }

  void task_done(const TaskDone& event) override {
    done_ = event.done_count;
    if (event.task_count) total_ = event.task_count;
    if (event.error != nullptr) ++failed_;
    if (event.ended - shown_ <
        (terminal_ ? Clock::duration(redraw_interval) : Clock::duration(line_interval)))
      return;
    shown_ = event.ended;
    show(event.ended, false);
  }

  void call_finished(const CallFinished& event) override {
    done_ = event.done_count;
    if (!total_) total_ = event.done_count + event.cancelled_count;
    show(event.time, true);
  }

 private:
  void show(Time now, bool last) {
    if (terminal_) {
      // To the line's start, the text, and nothing behind it; the last one stays.
      std::fprintf(stderr, "\r%s\x1b[K%s", line(now, terminal_width()).c_str(), last ? "\n" : "");
    } else {
      std::fprintf(stderr, "%s\n", line(now, 80).c_str());
    }
    std::fflush(stderr);
  }

  // What fits, the important first: counts, then times, then title, then the bar. One column stays
  // free, or the cursor would wrap.
  std::string line(Time now, std::size_t width) const {
    const std::size_t room = width > 1 ? width - 1 : 1;
    std::string text = counts();
    const std::string with_times = text + times(now);
    if (with_times.size() <= room) text = with_times;
    if (!title_.empty() && title_.size() + 2 + text.size() <= room) text = title_ + ": " + text;
    if (total_ && *total_ != 0 && text.size() + 3 + narrowest_bar <= room) {
      text = bar(std::min(widest_bar, room - text.size() - 3)) + " " + text;
    }
    return text.substr(0, room);
  }

  std::string counts() const {
    std::string text = std::to_string(done_);
    if (total_) text += "/" + std::to_string(*total_);
    if (failed_ != 0) text += ", " + std::to_string(failed_) + " failed";
    return text;
  }

  std::string times(Time now) const {
    const double elapsed = std::chrono::duration<double>(now - started_).count();
    std::string text = " |" + detail::short_time(elapsed);
    if (total_ && done_ != 0 && done_ < *total_) {
      const double each = elapsed / static_cast<double>(done_);
      text += ", left" + detail::short_time(each * static_cast<double>(*total_ - done_));
    }
    return text;
  }

  std::string bar(std::size_t width) const {
    const std::size_t full = std::min(width, width * done_ / *total_);
    return "[" + std::string(full, '#') + std::string(width - full, '.') + "]";
  }

  const std::string title_;
  const bool terminal_;
  Time started_{}, shown_{};
  std::optional<std::size_t> total_;
  std::size_t done_ = 0, failed_ = 0;
};

}  // namespace

std::shared_ptr<Observer> progress_bar(std::string title) {
  return std::make_shared<ProgressBar>(std::move(title));
}

}  // namespace paracord
