#pragma once

#include <set>
#include <string>
#include <vector>

#include "paracord/transport/keys.h"

/// The files that `paracord keygen` writes: NAME.public holds a public key, NAME.secret both.
namespace paracord::cluster {

/// The pair NAME of a folder. Throws std::invalid_argument for a file that is missing, that others
/// may read, or that holds no key; it says what to do.
KeyPair read_key_pair(const std::string& folder, const std::string& name);
std::string read_public_key(const std::string& folder, const std::string& name);

/// Writes a new pair: NAME.secret for its owner alone (0600). Throws std::invalid_argument where
/// there is one already, std::runtime_error where it cannot be written.
KeyPair write_key_pair(const std::string& folder, const std::string& name);

/// The public keys in a folder or file of authorised keys: a key on each line, or a file *.public
/// for each; lines that begin with # are comments. Throws std::invalid_argument.
std::set<std::string> read_authorised_keys(const std::string& path);

}  // namespace paracord::cluster
