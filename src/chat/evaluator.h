// Runs a parsed template. One object renders one template once.
#pragma once

#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "chat/syntax.h"
#include "chat/value.h"

namespace lp::chat {

class Evaluator {
 public:
  // `globals`: what names mean before the template sets any.
  explicit Evaluator(Dict globals);

  // What the template prints. `block` must outlive the evaluator. Errors: kUnsupported (something that is not there, or
  // more work than a template may do), kInvalidArgument (raise_exception), with where = "line N".
  Result<std::string> Render(const Block& block);

 private:
  using Scope = std::map<std::string, Value>;
  enum class Flow { kOn, kBreak, kContinue };
  struct Depth;

  Result<Flow> Run(const Block& block, std::string& out);
  Result<Flow> RunOne(const Statement& s, std::string& out);
  Result<Flow> RunFor(const Statement& s, std::string& out);
  Result<Flow> RunSet(const Statement& s);
  Status Print(std::string_view text, std::string& out);
  void DefineMacro(const Statement& s);
  Result<Value> CallMacro(const Statement& s, const Arguments& args);

  // Eval checks what Compute makes, and says in which line an error is.
  Result<Value> Eval(const Expr& e);
  Result<Value> Compute(const Expr& e);
  Result<Value> Item(const Expr& e);
  Result<Value> Slice(const Expr& e);
  Result<Value> Call(const Expr& e);
  Result<Value> Unary(const Expr& e);
  Result<Value> Binary(const Expr& e);
  Result<Arguments> EvalArguments(const Expr& e, size_t first);

  Value Lookup(const std::string& name) const;
  void Assign(const std::string& name, Value value);
  Status Unpack(const std::vector<std::string>& names, const Value& value);
  Status Charge(size_t work);

  Scope globals_;              // of the template itself
  std::vector<Scope> scopes_;  // of the loops and macros we are in, innermost last
  size_t depth_ = 0, work_ = 0;
};

}  // namespace lp::chat
