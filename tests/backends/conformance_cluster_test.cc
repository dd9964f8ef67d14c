// A cluster keeps every promise of the contract. Embedded; and of two nodes, where
// PARACORD_SCHEDULER names it.

#include "paracord/core/registry.h"
#include "paracord/paracord.h"
#include "paracord/testkit/conformance.h"
#include "paracord/testkit/conformance_gtest.h"

namespace {

using paracord::testkit::Subject;

PARACORD_BACKEND_CONFORMANCE(EmbeddedCluster,
                             Subject{"zeromq_under_test",
                                     [] { return paracord::detail::make_backend("zeromq"); }, 2});

}  // namespace
