// REFUSED: bach_size
#include "paracord/core/delayed.h"
#include "paracord/core/options.h"

#ifdef ALLOWED
paracord::ParallelOptions options{.batch_size = 3};
#else
paracord::ParallelOptions options{.bach_size = 3};
#endif
