#pragma once

#include <string>

namespace paracord::detail {

/// Makes the folder of a cache where it is missing, and marks it: CACHEDIR.TAG for backup tools,
/// .gitignore (one that is there stays).
/// Errors: std::invalid_argument for a folder that holds other things; std::runtime_error for one
/// that cannot be made.
void make_cache_folder(const std::string& path);

/// Whether make_cache_folder() marked it.
bool is_cache_folder(const std::string& path);

}  // namespace paracord::detail
