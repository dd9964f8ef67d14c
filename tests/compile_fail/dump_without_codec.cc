// REFUSED: dump: this type has no codec
#include "paracord/memmap/persist.h"

struct Samples : std::vector<double> {
  double rate = 0;
};
#ifdef ALLOWED
void keep(const std::vector<double>& samples) {
  paracord::dump(samples, "samples");
}
#else
void keep(const Samples& samples) {
  paracord::dump(samples, "samples");
}
#endif
