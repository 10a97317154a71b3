#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace lp {
namespace {

Error SystemError(const std::string& path, const char* what) {
  const ErrorCode code = errno == ENOENT || errno == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo;
  return Error{code, std::string(what) + " (" + std::strerror(errno) + ")", path};
}

struct OpenFile {
  int fd;
  size_t size;
};

Result<OpenFile> OpenRegularFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemError(path, "cannot open the file");
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    const Error error = SystemError(path, "cannot read the file's size");
    ::close(fd);
    return error;
  }
  if (!S_ISREG(info.st_mode)) {
    ::close(fd);
    return Error{ErrorCode::kInvalidArgument, "this is not a regular file; give the path of a GGUF file", path};
  }
  return OpenFile{fd, static_cast<size_t>(info.st_size)};
}

}  // namespace

Result<MappedFile> MappedFile::Open(const std::string& path) {
  LP_ASSIGN_OR_RETURN(const OpenFile file, OpenRegularFile(path));
  if (file.size == 0) {  // mmap refuses a length of 0; an empty view says the same
    ::close(file.fd);
    return MappedFile(nullptr, 0);
  }
  void* data = ::mmap(nullptr, file.size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  const Error error = SystemError(path, "cannot map the file into memory");
  ::close(file.fd);  // the mapping keeps the file
  if (data == MAP_FAILED) return error;
  return MappedFile(static_cast<const uint8_t*>(data), file.size);
}

void MappedFile::Forget() const {
  if (data_ != nullptr) ::madvise(const_cast<uint8_t*>(data_), size_, MADV_DONTNEED);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<uint8_t*>(data_), size_);
}

}  // namespace lp
