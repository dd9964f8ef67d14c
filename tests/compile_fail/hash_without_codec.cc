// REFUSED: hash: this type has no codec
#include "paracord/memmap/hash.h"

struct Bits {
  int low : 3;
  int high : 5;
};
#ifdef ALLOWED
struct Plain {
  int low, high;
};
auto digest(const Plain& plain) {
  return paracord::hash(plain);
}
#else
auto digest(const Bits& bits) {
  return paracord::hash(bits);
}
#endif
