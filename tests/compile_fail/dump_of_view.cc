// REFUSED: dump: a view owns no memory
#include "paracord/memmap/persist.h"

#ifdef ALLOWED
void keep(const std::string& text) {
  paracord::dump(text, "text");
}
#else
void keep(std::string_view text) {
  paracord::dump(text, "text");
}
#endif
