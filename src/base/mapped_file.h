// A file's bytes, mapped: a model of many GiB opens at once and pages in as it is read.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace lp {

// Owns the mapping. Move-only; views of bytes() must not outlive it. A file that another process truncates while it is
// mapped raises SIGBUS, as with every mmap; we do not guard against that.
class MappedFile {
 public:
  // Errors: kNotFound, kIo (with the system's reason), kInvalidArgument for a directory.
  static Result<MappedFile> Open(const std::string& path);

  // Tells the system that none of it is needed for now: its pages no longer count as this process's memory, and are found again, in the
  // system's cache or on disk, when they are read.
  void Forget() const;

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const uint8_t> bytes() const { return {data_, size_}; }

 private:
  MappedFile(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace lp
