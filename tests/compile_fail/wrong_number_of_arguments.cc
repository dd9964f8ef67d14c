// REFUSED: the number of arguments is not what the function takes
#include "paracord/core/delayed.h"

int add(int, int);

#ifdef ALLOWED
auto call = paracord::delayed<add>(1, 2);
#else
auto call = paracord::delayed<add>(1);
#endif
