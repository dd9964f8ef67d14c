#pragma once

#include <string>

#include "paracord/cache/store_backend.h"

namespace paracord::detail {

/// Entries as files of one folder: <function>/<two digits>/<32 digits>. One that is being made has
/// `.part` behind its name and is locked; the system drops the lock of a process that dies.
///
/// Errors: std::invalid_argument for a folder that holds other things; std::runtime_error for one
/// that cannot be used.
class LocalStore final : public StoreBackend {
 public:
  /// Makes the folder where it is missing, and marks it as a cache.
  explicit LocalStore(const std::string& location);

  std::unique_ptr<StoredItem> open(const ItemName& name) override;
  bool contains(const ItemName& name) override;
  std::unique_ptr<Reservation> reserve(const ItemName& name) override;
  void erase(const ItemName& name) override;
  std::vector<ItemInfo> items() override;
  void clear(const std::string& function) override;
  void clear_all() override;
  std::string describe(const ItemName& name) const override { return path_of(name); }

 private:
  std::string path_of(const ItemName& name) const;
  const std::string root_;
};

}  // namespace paracord::detail
