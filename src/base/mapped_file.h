// A file's bytes: mapped, so that a model of many GiB opens at once and pages in as it is read, or copied into memory of their own.
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

  // All of it read into memory that nobody else has, in huge pages where the system gives them: reading through 2 MiB at a time
  // instead of 4 KiB is faster by up to a third. Errors: those of Open, and kOutOfRange where there is not enough memory.
  static Result<MappedFile> Read(const std::string& path);

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
