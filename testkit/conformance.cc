#include "paracord/testkit/conformance.h"

#include <chrono>
#include <exception>
#include <future>
#include <thread>

#include "paracord/testkit/rules.h"

namespace paracord::testkit {

namespace {

constexpr auto patience = std::chrono::minutes(2);

std::string message_of(const Subject& subject, const Rule& rule) {
  try {
    rule.check(subject);
    return "";
  } catch (const Broken& broken) {
    return broken.message;
  } catch (const std::exception& error) {
    return std::string("an unexpected exception: ") + error.what();
  }
}

}  // namespace

const std::vector<Rule>& conformance_rules() {
  static const std::vector<Rule> rules = [] {
    std::vector<Rule> all = contract_rules();
    for (auto& more : {call_rules(), resource_rules()})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
  return rules;
}

Finding check_rule(const Subject& subject, const Rule& rule) {
  register_parallel_backend(subject.name, subject.factory);
  std::packaged_task<std::string()> check([subject, rule] { return message_of(subject, rule); });
  std::future<std::string> message = check.get_future();
  std::thread runner(std::move(check));
  if (message.wait_for(patience) == std::future_status::ready) {
    runner.join();
    return {rule.name, message.get()};
  }
  runner.detach();
  return {rule.name, "the check did not end: something is waited for that does not come"};
}

bool Report::passed() const {
  for (const Finding& finding : findings) {
    if (!finding.message.empty()) return false;
  }
  return true;
}

std::string Report::text() const {
  std::string text;
  for (const Finding& finding : findings) {
    text += (finding.message.empty() ? "ok      " : "BROKEN  ") + finding.rule;
    if (!finding.message.empty()) text += ": " + finding.message;
    text += '\n';
  }
  return text;
}

Report check_conformance(const Subject& subject) {
  Report report;
  for (const Rule& rule : conformance_rules()) report.findings.push_back(check_rule(subject, rule));
  return report;
}

}  // namespace paracord::testkit
