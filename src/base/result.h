// Errors as values: every function that can fail on input we did not make returns Result<T>.
//
// Not for our own bugs: those are LP_CHECK (base/check.h). Nothing here allocates on the success path.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace lp {

// What kind of failure it is; the command line and the server turn it into an exit code or HTTP status.
enum class ErrorCode : uint8_t {
  kInvalidArgument,  // the caller's value is out of range or malformed
  kNotFound,         // a file, model or key that is not there
  kCorrupt,          // bytes that contradict their format, or a file cut short
  kUnsupported,      // well-formed, but something logitpeek does not run
  kOutOfRange,       // a context that does not fit, a position past the end
  kIo,               // the operating system said no
  kCancelled,        // the user stopped it
};

// `message` is one sentence: what is wrong and what to do about it. `where` is a byte offset, a metadata key, a tensor
// name, a file or a JSON pointer; empty where the message says it all.
struct Error {
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message;
  std::string where;

  // The same error as seen from outside: `outer` (a file, say) goes before `where`.
  Error Within(const std::string& outer) const { return {code, message, where.empty() ? outer : outer + ": " + where}; }

  // "where: message", for a person.
  std::string ToString() const { return where.empty() ? message : where + ": " + message; }
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Calling value() on an error (or error() on a value) is a bug of ours.
  T& value() & {
    LP_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    LP_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  // By value, so that `for (x : F().value())` does not walk through something already destroyed.
  T value() && {
    LP_CHECK(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  const Error& error() const {
    LP_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> state_;
};

struct Unit {};
// A Result with nothing to return: `return Ok();` or `return Error{...};`.
using Status = Result<Unit>;
inline Status Ok() { return Unit{}; }

}  // namespace lp

#define LP_CONCAT_(a, b) a##b
#define LP_CONCAT(a, b) LP_CONCAT_(a, b)

// LP_ASSIGN_OR_RETURN(auto x, F()); returns F's error from the enclosing function, else x is F's value.
#define LP_ASSIGN_OR_RETURN(lhs, expr) LP_ASSIGN_OR_RETURN_(LP_CONCAT(lp_result_, __LINE__), lhs, expr)
#define LP_ASSIGN_OR_RETURN_(result, lhs, expr) \
  auto result = (expr);                         \
  if (!result.ok()) return result.error();      \
  lhs = std::move(result).value()

#define LP_RETURN_IF_ERROR(expr)                                            \
  do {                                                                      \
    if (auto lp_status = (expr); !lp_status.ok()) return lp_status.error(); \
  } while (false)
