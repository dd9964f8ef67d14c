#include "paracord/core/delayed.h"
#include "paracord/tests/core/same_name.h"

static std::string same_name() {
  return "first";
}

paracord::Task<std::string> same_name_from_first_file() {
  return paracord::delayed<same_name>();
}
