// REFUSED: an argument does not convert to the function's parameter
#include "paracord/core/delayed.h"

double half(double);

#ifdef ALLOWED
auto call = paracord::delayed<half>(1);
#else
auto call = paracord::delayed<half>("one");
#endif
