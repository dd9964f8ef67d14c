// REFUSED: a temporary that owns its memory was given to a view parameter
#include "paracord/core/delayed.h"

std::size_t length(std::string_view);

#ifdef ALLOWED
auto call = paracord::delayed<length>("literal");
#else
auto call = paracord::delayed<length>(std::string("temporary"));
#endif
