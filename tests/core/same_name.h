#pragma once

#include "paracord/core/task.h"

/// Tasks of two functions with one name: static, in two files.
paracord::Task<std::string> same_name_from_first_file();
paracord::Task<std::string> same_name_from_second_file();
