// REFUSED: load: this type has no codec
#include "paracord/memmap/persist.h"

#ifdef ALLOWED
auto get() {
  return paracord::load<int>("pointer");
}
#else
auto get() {
  return paracord::load<int*>("pointer");
}
#endif
