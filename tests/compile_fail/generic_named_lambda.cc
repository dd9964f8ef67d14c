// REFUSED: the callable has no single signature
#include "paracord/core/delayed.h"

#ifdef ALLOWED
auto call = paracord::delayed<[](int x) { return x; }>(1);
#else
auto call = paracord::delayed<[](auto x) { return x; }>(1);
#endif
