// REFUSED: the function returns a reference
#include "paracord/core/delayed.h"

#ifdef ALLOWED
double value();
auto call = paracord::delayed<value>();
#else
const double& reference();
auto call = paracord::delayed<reference>();
#endif
