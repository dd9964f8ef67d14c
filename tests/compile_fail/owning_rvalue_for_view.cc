// REFUSED: a temporary that owns its memory was given to a view parameter
#include <vector>
#include "paracord/core/delayed.h"

double total(std::span<const double>);

#ifdef ALLOWED
std::vector<double> data(3);
auto call = paracord::delayed<total>(data);
#else
auto call = paracord::delayed<total>(std::vector<double>(3));
#endif
