#include "paracord/testkit/random/plan.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace paracord::testkit::random {

namespace {

using Number = Plan::Number;

struct Field {
  const char* name;
  Number Plan::*value;
};
#define PARACORD_FIELD(name) \
  Field {                    \
#name, &Plan::name       \
  }
constexpr Field fields[] = {
    PARACORD_FIELD(backend),         PARACORD_FIELD(function),       PARACORD_FIELD(n_jobs),
    PARACORD_FIELD(tasks),           PARACORD_FIELD(collect),        PARACORD_FIELD(argument_bytes),
    PARACORD_FIELD(result_bytes),    PARACORD_FIELD(same_sizes),     PARACORD_FIELD(cached),
    PARACORD_FIELD(whole),           PARACORD_FIELD(mapped),         PARACORD_FIELD(deed),
    PARACORD_FIELD(deed_first),      PARACORD_FIELD(deed_step),      PARACORD_FIELD(sleep_us),
    PARACORD_FIELD(nested_backend),  PARACORD_FIELD(nested_tasks),   PARACORD_FIELD(nested_levels),
    PARACORD_FIELD(batch_size),      PARACORD_FIELD(pre_dispatch),   PARACORD_FIELD(max_pending),
    PARACORD_FIELD(retries),         PARACORD_FIELD(max_nbytes),     PARACORD_FIELD(timeout_ms),
    PARACORD_FIELD(stop_after_us),   PARACORD_FIELD(verbose),        PARACORD_FIELD(observer),
    PARACORD_FIELD(trace),           PARACORD_FIELD(initializer),    PARACORD_FIELD(priority),
    PARACORD_FIELD(idempotent),      PARACORD_FIELD(sized),          PARACORD_FIELD(fed),
    PARACORD_FIELD(input_throws_at), PARACORD_FIELD(input_stops_at), PARACORD_FIELD(read),
    PARACORD_FIELD(slow_us),         PARACORD_FIELD(again),          PARACORD_FIELD(callers)};
#undef PARACORD_FIELD

// What the bytes of all arguments, and of all results, of one call may come to.
constexpr std::size_t max_call_bytes = std::size_t{12} << 20;

Number number(Draw& draw, Number first, Number last) {
  return first + static_cast<Number>(draw.below(static_cast<std::uint64_t>(last - first) + 1));
}

bool ends_process(Deed deed) {
  return deed == Deed::dies || deed == Deed::dies_at_first || deed == Deed::exits;
}

Deed draw_deed(Draw& draw, const Setting& setting) {
  if (draw.percent(60)) return Deed::none;
  const auto deed = static_cast<Deed>(draw.below(static_cast<std::uint64_t>(Deed::last)));
  if (ends_process(deed) && (setting.shared_memory || draw.percent(50)))
    return Deed::throws_at_first;
  return deed;
}

void draw_options(Plan& plan, Draw& draw, const Setting& setting) {
  if (draw.percent(30)) plan.batch_size = draw.percent(30) ? -1 : number(draw, 1, 40);
  if (draw.percent(25)) plan.pre_dispatch = draw.percent(30) ? -1 : number(draw, 1, 30);
  if (draw.percent(25)) plan.max_pending = number(draw, 1, 12);
  if (draw.percent(20)) plan.retries = number(draw, 1, 3);
  if (draw.percent(20)) plan.max_nbytes = static_cast<Number>(draw_size(draw, setting.max_bytes));
  if (draw.percent(5)) plan.max_nbytes = std::numeric_limits<Number>::max();
  if (draw.percent(10)) plan.observer = 1;
  if (draw.percent(3)) plan.trace = 1;
  if (draw.percent(5)) plan.initializer = 1;
  if (draw.percent(5)) plan.priority = number(draw, -2, 2);
  if (draw.percent(5)) plan.idempotent = 1;
  if (draw.percent(2)) plan.timeout_ms = number(draw, 1, 30);
  if (draw.percent(3)) plan.stop_after_us = number(draw, 0, 3000);
}

void draw_input_and_reading(Plan& plan, Draw& draw) {
  plan.sized = draw.percent(60) ? 1 : 0;
  if (draw.percent(7)) plan.fed = 1;
  if (draw.percent(5)) plan.input_throws_at = number(draw, 0, plan.tasks);
  if (draw.percent(3)) plan.input_stops_at = number(draw, 0, plan.tasks);
  const bool generates = plan.how() >= Collect::generator;
  if (generates && draw.percent(30)) plan.read = number(draw, 0, plan.tasks);
  if (generates && draw.percent(25)) plan.slow_us = number(draw, 1, 400);
  if (draw.percent(30)) plan.again = number(draw, 1, 2);
  if (draw.percent(10)) plan.callers = number(draw, 2, 4);
}

Number draw_tasks(Draw& draw) {
  if (draw.percent(4)) return 0;
  if (draw.percent(10)) return 1;
  if (draw.percent(60)) return number(draw, 2, 40);
  if (draw.percent(80)) return number(draw, 41, 300);
  return number(draw, 301, 3000);
}

void keep_in_bounds(Plan& plan) {
  const auto each = static_cast<Number>(max_call_bytes / static_cast<std::size_t>(plan.tasks + 1));
  plan.argument_bytes = std::min(plan.argument_bytes, std::max<Number>(each, 200));
  plan.result_bytes = std::min(plan.result_bytes, std::max<Number>(each, 200));
  const auto deed = static_cast<Deed>(plan.deed);
  // What takes milliseconds is not done a thousand times.
  const bool is_slow = ends_process(deed) || deed == Deed::spawns;
  if (is_slow) plan.deed_step = std::max(plan.deed_step, 1 + plan.tasks / 3);
  // More calls inside tasks than there are workers, and than may wait for them.
  if (deed == Deed::nests) {
    plan.tasks = std::min<Number>(plan.tasks, 60);
    if (plan.nested_levels > 1) plan.nested_tasks = std::min<Number>(plan.nested_tasks, 4);
  }
  if (deed == Deed::sleeps) plan.tasks = std::min<Number>(plan.tasks, 60);
  if (plan.slow_us != 0) plan.tasks = std::min<Number>(plan.tasks, 100);
}

}  // namespace

Plan draw_plan(std::uint64_t seed, const Setting& setting) {
  Draw draw(mix(seed, 0x9a7ac04d));
  Plan plan;
  plan.seed = seed;
  plan.backend = static_cast<Number>(draw.below(setting.backends.size()));
  plan.function = static_cast<Number>(draw.below(setting.functions));
  plan.n_jobs = draw.one_of<Number>({1, 2, 2, 2, 3, 4, -1, -1, -2});
  plan.tasks = draw_tasks(draw);
  plan.collect = number(draw, 0, 3);
  plan.argument_bytes = static_cast<Number>(draw_size(draw, setting.max_bytes));
  plan.result_bytes = static_cast<Number>(draw_size(draw, setting.max_bytes));
  plan.same_sizes = draw.percent(50) ? 1 : 0;
  plan.deed = static_cast<Number>(draw_deed(draw, setting));
  plan.deed_first = number(draw, 0, std::max<Number>(plan.tasks - 1, 0));
  plan.deed_step = draw.percent(40) ? number(draw, 1, 4) : std::max<Number>(plan.tasks, 1);
  plan.sleep_us = number(draw, 1, 2000);
  plan.nested_backend = static_cast<Number>(draw.below(setting.nested.size()));
  plan.nested_tasks = draw.percent(70) ? number(draw, 0, 5) : number(draw, 6, 30);
  plan.nested_levels = draw.percent(80) ? 1 : 2;
  plan.cached = draw.percent(8) ? 1 : 0;
  plan.whole = draw.percent(60) ? 1 : 0;
  plan.mapped = draw.percent(40) ? 1 : 0;
  draw_options(plan, draw, setting);
  draw_input_and_reading(plan, draw);
  // One job written by the user is a loop in the caller, which must not end.
  if (plan.n_jobs == 1 && ends_process(static_cast<Deed>(plan.deed))) plan.n_jobs = 2;
  if (setting.disturbed) {
    // Losses of workers are charged to their tasks; and nobody knows how long a call takes.
    plan.timeout_ms = 0;
    plan.retries = 20;
    if (ends_process(static_cast<Deed>(plan.deed))) plan.deed = 0;
  }
  if (static_cast<Deed>(plan.deed) == Deed::nests && draw.percent(50)) {
    // Each task makes calls on its own backend: more than may wait at once on small nodes.
    plan.nested_backend = static_cast<Number>(setting.nested.size()) - 1;
    plan.tasks = std::max(plan.tasks, number(draw, 12, 60));
    plan.deed_first = 0;
    plan.deed_step = 1;
    plan.nested_tasks = std::max<Number>(plan.nested_tasks, 1);
  }
  keep_in_bounds(plan);
  return plan;
}

bool Setting::shares_memory(const Plan& plan) const {
  return share_memory[static_cast<std::size_t>(plan.backend)];
}

Orders Plan::orders(std::uint32_t index, const Setting& setting) const {
  Orders orders;
  orders.seed = seed;
  // What is cached depends on the arguments alone.
  orders.index = cached != 0 ? 0 : index;
  orders.result_bytes = bytes_of_result(orders.index);
  if (!has_deed(index)) return orders;
  orders.deed = static_cast<Deed>(deed);
  orders.microseconds = static_cast<std::uint32_t>(sleep_us);
  if (orders.deed == Deed::nests && !setting.nested.empty()) {
    orders.backend = setting.nested[static_cast<std::size_t>(nested_backend)];
    orders.nested_tasks = static_cast<std::uint32_t>(nested_tasks);
    orders.levels = static_cast<std::uint32_t>(nested_levels);
  }
  return orders;
}

namespace {

std::size_t bytes_up_to(Number bound, bool just, std::uint64_t seed) {
  const auto most = static_cast<std::size_t>(std::max<Number>(bound, 0));
  return just ? most : static_cast<std::size_t>(Draw(seed).below(most + 1));
}

}  // namespace

std::size_t Plan::bytes_of_argument(std::uint32_t index) const {
  return bytes_up_to(argument_bytes, same_sizes != 0, mix(seed, 3 * std::uint64_t{index}));
}

std::size_t Plan::bytes_of_result(std::uint32_t index) const {
  return bytes_up_to(result_bytes, same_sizes != 0, mix(seed, 3 * std::uint64_t{index} + 1));
}

ParallelOptions Plan::options(const Setting& setting) const {
  ParallelOptions o;
  o.n_jobs = static_cast<int>(n_jobs);
  o.backend = setting.backends[static_cast<std::size_t>(backend)];
  if (batch_size != 0)
    o.batch_size = batch_size < 0 ? BatchSize::automatic : BatchSize(static_cast<int>(batch_size));
  if (pre_dispatch != 0)
    o.pre_dispatch =
        pre_dispatch < 0 ? PreDispatch::all : PreDispatch(static_cast<int>(pre_dispatch));
  if (max_pending != 0) o.max_pending_results = static_cast<std::size_t>(max_pending);
  if (retries != 0) o.retries = static_cast<int>(retries);
  if (max_nbytes >= 0) o.max_nbytes = static_cast<std::size_t>(max_nbytes);
  if (timeout_ms != 0) o.timeout = Seconds(static_cast<double>(timeout_ms) / 1000);
  if (priority != 0) o.priority = static_cast<int>(priority);
  if (idempotent != 0) o.idempotent = true;
  return o;
}

void change(Plan& plan, std::string_view changes) {
  while (!changes.empty()) {
    const std::string_view one = changes.substr(0, changes.find(','));
    changes.remove_prefix(std::min(changes.size(), one.size() + 1));
    const std::string_view name = one.substr(0, one.find('='));
    const auto field = std::find_if(std::begin(fields), std::end(fields),
                                    [&](const Field& known) { return known.name == name; });
    if (field == std::end(fields) || name.size() == one.size())
      throw std::invalid_argument("random calls: '" + std::string(one) +
                                  "' sets no field of a plan; write name=number");
    const std::string_view value = one.substr(name.size() + 1);
    Number given = 0;
    if (std::from_chars(value.data(), value.data() + value.size(), given).ec != std::errc())
      throw std::invalid_argument("random calls: '" + std::string(value) + "' is no number");
    plan.*field->value = given;
  }
}

std::string changes_of(const Plan& plan, const Setting& setting) {
  const Plan original = draw_plan(plan.seed, setting);
  std::string text;
  for (const Field& field : fields) {
    if (plan.*field.value == original.*field.value) continue;
    text += (text.empty() ? "" : ",") + std::string(field.name) + "=" +
            std::to_string(plan.*field.value);
  }
  return text;
}

std::string text_of(const Plan& plan) {
  const Plan usual;
  std::string text;
  for (const Field& field : fields) {
    if (plan.*field.value == usual.*field.value) continue;
    text += (text.empty() ? "" : " ") + std::string(field.name) + "=" +
            std::to_string(plan.*field.value);
  }
  return text;
}

std::vector<Plan> smaller(const Plan& plan) {
  std::vector<Plan> all;
  const auto with = [&](Number Plan::*field, Number value) {
    if (plan.*field == value) return;
    all.push_back(plan);
    all.back().*field = value;
  };
  const Plan usual;
  for (const Number part : {8, 2}) {
    if (plan.tasks >= part) with(&Plan::tasks, plan.tasks / part);
    with(&Plan::argument_bytes, plan.argument_bytes / part);
    with(&Plan::result_bytes, plan.result_bytes / part);
  }
  for (const Field& field : fields) {
    const bool is_choice = field.value == &Plan::backend || field.value == &Plan::function ||
                           field.value == &Plan::tasks || field.value == &Plan::deed_first ||
                           field.value == &Plan::deed_step;
    if (!is_choice) with(field.value, usual.*field.value);
  }
  if (plan.tasks > 0) with(&Plan::tasks, plan.tasks - 1);
  return all;
}

}  // namespace paracord::testkit::random
