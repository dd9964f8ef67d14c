// REFUSED: tasks are made by paracord::delayed
#include <vector>
#include "paracord/core/delayed.h"
#include "paracord/core/parallel.h"

#ifdef ALLOWED
auto results(paracord::Parallel& parallel, std::vector<int> tasks) {
  return parallel(tasks | std::views::transform(
                              [](int i) { return paracord::delayed([](int x) { return x; }, i); }));
}
#else
auto results(paracord::Parallel& parallel, std::vector<int> tasks) {
  return parallel(tasks);
}
#endif
