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

Result<MappedFile> MappedFile::Read(const std::string& path) {
  LP_ASSIGN_OR_RETURN(const OpenFile file, OpenRegularFile(path));
  MappedFile out(nullptr, 0);
  if (file.size > 0) {
    void* data = ::mmap(nullptr, file.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
      ::close(file.fd);
      return Error{ErrorCode::kOutOfRange, "there is not enough memory to read the file into; leave it mapped", path};
    }
    out = MappedFile(static_cast<const uint8_t*>(data), file.size);
#ifdef MADV_HUGEPAGE
    ::madvise(data, file.size, MADV_HUGEPAGE);  // where refused, small pages serve
#endif
  }
  for (size_t at = 0; at < file.size;) {
    const ssize_t n = ::pread(file.fd, const_cast<uint8_t*>(out.data_) + at, file.size - at, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      if (n == 0) errno = EIO;  // shorter than it was
      const Error error = SystemError(path, "cannot read the file");
      ::close(file.fd);
      return error;
    }
    at += static_cast<size_t>(n);
  }
  ::close(file.fd);
  return out;
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
