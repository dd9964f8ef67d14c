#include "paracord/core/session.h"

#include <memory>
#include <stdexcept>
#include <utility>

#include "paracord/core/parallel.h"
#include "paracord/core/registry.h"
#include "paracord/core/resolve.h"

namespace paracord::detail {

namespace {

std::uint64_t number_of_this_thread() {
  static std::atomic<std::uint64_t> counter{0};
  thread_local const std::uint64_t number = ++counter;
  return number;
}

}  // namespace

Session::~Session() {
  if (is_an_ancestors()) {
    (void)backend.release();
    (void)substitute.release();
    return;
  }
  for (auto* held : {&backend, &substitute}) {
    if (*held == nullptr) continue;
    (*held)->abort();
    (*held)->terminate();
  }
}

void Session::begin_anew() {
  (void)backend.release();
  (void)substitute.release();
  std::construct_at(&initialised);
  backend = make_backend(backend_name);
  forks = fork_count();
}

ParallelBackendBase& Session::substitute_backend(const std::string& name) {
  if (substitute == nullptr || substitute_name != name) {
    substitute = make_backend(name);
    substitute_name = name;
  }
  return *substitute;
}

void Session::initialise_this_thread() {
  const std::uint64_t self = number_of_this_thread();
  bool is_done = false, is_mine = false;
  initializer_ended.wait([&] {
    return is_mine || initialised.with([&](Initialised& known) {
      is_done = known.threads.contains(self);
      is_mine = !is_done && !std::exchange(known.one_runs, true);
      return is_done || is_mine;
    });
  });
  if (is_done) return;
  struct Ended {
    Session& session;
    std::uint64_t thread;
    bool well = false;
    ~Ended() {
      session.initialised.with([&](Initialised& known) {
        known.one_runs = false;
        if (well) known.threads.insert(thread);
      });
      session.initializer_ended.notify();
    }
  } ended{*this, self};
  (*options.initializer)();
  ended.well = true;
}

SessionUse::SessionUse(Session& session) : session_(session) {
  if (session.busy.exchange(true)) {
    throw std::logic_error(
        "this Parallel object runs a call already, or has an open generator: read that generator "
        "to its end or "
        "destroy it first, or use a second Parallel object");
  }
  if (session.is_an_ancestors()) session.begin_anew();
}

SessionUse::~SessionUse() {
  session_.busy.store(false);
}

std::shared_ptr<Session> make_session(const ParallelOptions& options) {
  Resolved resolved = resolve(options);
  auto session = std::make_shared<Session>();
  session->options = std::move(resolved.options);
  session->backend_name = std::move(resolved.backend_name);
  session->backend = std::move(resolved.backend);
  session->n_jobs = resolved.n_jobs;
  return session;
}

}  // namespace paracord::detail
