// All backends keep every promise of the contract.

#include "paracord/testkit/conformance.h"

#include "paracord/core/registry.h"
#include "paracord/paracord.h"
#include "paracord/testkit/conformance_gtest.h"

namespace {

using paracord::testkit::Subject;

PARACORD_BACKEND_CONFORMANCE(Threads,
                             Subject{"threads_under_test",
                                     [] { return paracord::detail::make_backend("threads"); }, 2});
PARACORD_BACKEND_CONFORMANCE(ManyThreads,
                             Subject{"threads_under_test",
                                     [] { return paracord::detail::make_backend("threads"); }, 7});
PARACORD_BACKEND_CONFORMANCE(Sequential,
                             Subject{"sequential_under_test",
                                     [] { return paracord::detail::make_backend("sequential"); },
                                     2});

PARACORD_BACKEND_CONFORMANCE(Processes,
                             Subject{"processes_under_test",
                                     [] { return paracord::detail::make_backend("processes"); },
                                     2});
PARACORD_BACKEND_CONFORMANCE(ManyProcesses,
                             Subject{"processes_under_test",
                                     [] { return paracord::detail::make_backend("processes"); },
                                     5});

}  // namespace
