#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Where files without a name are made, for memory that processes share.
namespace paracord::detail {

/// The folders to try, in joblib's order: `temp_folder` where it is given, else
/// PARACORD_TEMP_FOLDER, else /dev/shm and the system's folder for temporary files. The first two
/// are a choice of the user's: no other follows them, and they are made where they do not exist.
std::vector<std::string> temp_folders(const std::optional<std::string>& temp_folder);

/// The first of TMPDIR, TEMP, TMP, /tmp and /var/tmp that files can be made in.
std::string system_temp_folder();

/// The bytes that a folder has room for; 0 where it cannot be asked.
std::uint64_t room_in(const std::string& folder);

/// A new file of `bytes`, without a name: it vanishes with the last process that has it open. Takes
/// the first folder with room for `needed` bytes and some more, of its size a small part. Owns:
/// the descriptor is the caller's. Throws BackendUnavailable, listing each folder with its reason.
int make_nameless_file(const std::vector<std::string>& folders, std::uint64_t bytes,
                       std::uint64_t needed);

}  // namespace paracord::detail
