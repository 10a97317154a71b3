#include "base/str_cat.h"
#include "base/utf8.h"
#include "server/answers.h"

namespace lp {

Result<Json> TokenizeAnswer(Engine& engine, const Json& request) {
  const auto text = request.find("text");
  if (text == request.end() || !text->is_string()) return BadRequest("text must be a string", "/text");
  auto ids = engine.Prompt(text->get_ref<const std::string&>());
  if (!ids.ok()) return Error{ids.error().code, ids.error().message, "/text"};
  return TokenizeJson(engine.info().name, *ids, PiecesOf(engine));
}

Result<Json> ChatAnswer(Engine& engine, const Json& request) {
  const auto given = request.find("messages");
  if (given == request.end() || !given->is_array() || given->empty())
    return BadRequest("messages must be an array of {role, content}, at least one", "/messages");
  std::vector<ChatMessage> messages;
  for (size_t i = 0; i < given->size(); ++i) {
    const Json& one = (*given)[i];
    const auto text = [&](const char* field) { return one.is_object() && one.contains(field) && one[field].is_string(); };
    if (!text("role") || !text("content")) return BadRequest("a message must have a role and a content, both strings", StrCat("/messages/", i));
    messages.push_back({one["role"].get<std::string>(), one["content"].get<std::string>()});
  }
  bool generate = true;
  if (request.contains("add_generation_prompt")) {
    LP_ASSIGN_OR_RETURN(generate, TakeFlag(request, "add_generation_prompt"));
  }
  auto ids = engine.Chat(messages, generate);
  // What the template refuses, or that there is none, is about these messages: the address itself is right.
  if (!ids.ok()) return Error{ErrorCode::kOutOfRange, ids.error().message, "/messages"};
  Json json = TokenizeJson(engine.info().name, *ids, PiecesOf(engine));
  std::string text;  // what the template printed, control tokens by name
  for (const TokenId id : *ids) {
    const TokenPiece& piece = engine.tokenizer().Piece(id);
    text += piece.special ? piece.name : piece.bytes;
  }
  json["text"] = ToValidUtf8(text);
  return json;
}

}  // namespace lp
