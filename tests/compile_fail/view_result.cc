// REFUSED: the function returns a view
#include "paracord/core/delayed.h"

#ifdef ALLOWED
double value();
auto call = paracord::delayed<value>();
#else
std::span<double> view();
auto call = paracord::delayed<view>();
#endif
