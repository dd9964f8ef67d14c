// REFUSED: pass std::ref(x)
#include "paracord/core/delayed.h"

void change(int&);

#ifdef ALLOWED
int value;
auto call = paracord::delayed<change>(std::ref(value));
#else
int value;
auto call = paracord::delayed<change>(value);
#endif
