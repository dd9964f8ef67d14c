#pragma once

#include <cstddef>

/// The memory of this process and all its descendants, in bytes. A page that several of them map
/// counts once (it is the sum of their proportional set sizes).
///
/// Errors: std::runtime_error where this system does not tell.
std::size_t process_tree_bytes();
