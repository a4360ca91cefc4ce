// What an Ethereum node answers: the HTTP body as JSON-RPC, and every document in it.
#include "fuzz/fuzz.h"

#include "base/hex.h"
#include "base/text.h"
#include "node/answers.h"
#include "node/message.h"

namespace sep {
namespace {

using node::NodeError;

json::object log_json(const Log& log) {
  json::array topics;
  for (const auto& topic : log.topics) topics.emplace_back(to_hex(topic));
  return {{"address", to_hex(ByteView(log.address.bytes))},
          {"topics", std::move(topics)},
          {"data", to_hex(log.data)},
          {"blockNumber", to_quantity(log.block_number)},
          {"blockHash", to_hex(log.block_hash)},
          {"transactionHash", to_hex(log.tx_hash)},
          {"logIndex", to_quantity(log.log_index)}};
}

/// What was read is what a node would have written: reading it back gives the same.
void expect_read_back(const node::Receipt& receipt) {
  json::array logs;
  for (const auto& log : receipt.logs) logs.push_back(log_json(log));
  const json::object document{{"transactionHash", to_hex(receipt.tx_hash)},
                              {"status", receipt.success ? "0x1" : "0x0"},
                              {"blockNumber", to_quantity(receipt.block_number)},
                              {"blockHash", to_hex(receipt.block_hash)},
                              {"gasUsed", to_quantity(receipt.gas_used)},
                              {"effectiveGasPrice", to_quantity(receipt.effective_gas_price_wei)},
                              {"logs", std::move(logs)}};
  const auto again = node::read_receipt(document);
  SEP_ASSERT(again && *again && (*again)->logs == receipt.logs && (*again)->success == receipt.success &&
             (*again)->block_hash == receipt.block_hash && (*again)->gas_used == receipt.gas_used);
}

template <class T>
void looked_at(const Result<T>& result) {
  if (!result) fuzz::expect_said(result.error());
}

void documents_of(const json::value& value) {
  const auto receipt = node::read_receipt(value);
  looked_at(receipt);
  if (receipt && *receipt) expect_read_back(**receipt);
  looked_at(node::read_header(value));
  looked_at(node::read_logs(value));
  const auto transaction = node::read_transaction(value);
  looked_at(transaction);
  if (transaction && *transaction)
    SEP_ASSERT((*transaction)->block_hash.has_value() == (*transaction)->block_number.has_value());
  const auto fees = node::read_fee_history(value);
  looked_at(fees);
  if (fees) SEP_ASSERT(!fees->base_fees_wei.empty());
  for (const std::size_t calls : {1U, 2U})
    if (const auto simulated = node::read_simulation(value, calls)) SEP_ASSERT(simulated->size() == calls);
  const auto quantity = node::quantity_of(value);
  looked_at(quantity);
  if (quantity) SEP_ASSERT(node::u64_of(value).has_value() == quantity->fits_u64());
  const auto bytes = node::bytes_of(value);
  looked_at(bytes);
  if (bytes) SEP_ASSERT(to_hex(*bytes) == lower(value.get_string()));
}

void error_of(const NodeError& error) {
  SEP_ASSERT(error.kind == NodeError::Kind::kAnswered || !error.message.empty());
  const auto halt = node::halt_of_error(error);
  SEP_ASSERT(!halt || error.kind == NodeError::Kind::kAnswered);
  const auto refused = node::classify_refusal(error.rpc_code, error.message);
  SEP_ASSERT(refused != node::SubmitOutcome::Kind::kAccepted &&
             refused != node::SubmitOutcome::Kind::kUnknown &&
             refused != node::SubmitOutcome::Kind::kUnreachable);
}

}  // namespace

FUZZ_TARGET(data) {
  static const auto kEndpoint = node::parse_endpoint("http://127.0.0.1:8545").value();
  fuzz::Take take(data);
  const std::size_t calls = 1 + take.byte() % 2;
  const auto text = fuzz::text_of(take.rest());
  for (const unsigned status : {200U, 500U}) {
    const auto results = node::read_response(kEndpoint, status, text, 1, calls);
    if (!results) {
      error_of(results.error());
      continue;
    }
    SEP_ASSERT(results->size() == calls);
    for (const auto& result : *results) {
      if (result)
        documents_of(*result);
      else
        error_of(result.error());
    }
  }
  // Behind a door-keeper nothing was executed, whatever its body says.
  const auto refused = node::read_response(kEndpoint, 429, text, 1, calls);
  SEP_ASSERT(!refused && refused.error().kind == NodeError::Kind::kUnreachable);
}

}  // namespace sep
