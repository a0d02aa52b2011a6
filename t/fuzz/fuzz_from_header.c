/*
 * Fuzzes both parsers of the From field. An accepted address is complete, has no line end, is one
 * that the lenient parser finds, too, and is read as the same address when it is written as a mail
 * program writes it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "lib/match/from_grammar.h"
#include "t/fuzz/fuzz.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

struct seen {
	size_t count;
	size_t sum; /* of the bytes of the canonical addresses */
	struct mail_address last;
};

static bool keep(void *context, const struct mail_address *address)
{
	struct seen *seen = context;

	seen->count++;
	if (address == NULL)
		return true;
	must(address->has_domain && strlen(address->canon) == address->canon_len);
	must(address->canon[address->local_len] == '@');
	must(strcspn(address->text, "\r\n") == address->text_len);
	for (size_t i = 0; i < address->canon_len; i++)
		seen->sum += (unsigned char)address->canon[i];
	seen->last = *address;
	return true;
}

/* Write an address of a usual form as a mail program does: the grammar must accept it. */
static void read_again(const struct mail_address *address)
{
	char value[ADDRESS_MAX + 16] = "Me <";
	struct seen again = { 0 };
	size_t len = strlen(value);
	struct from_field field;

	memcpy(value + len, address->text, address->text_len);
	value[len + address->text_len] = '>';
	field = from_grammar_parse(value, len + address->text_len + 1, keep, &again);
	must(field.refusal == NULL && again.count == 1 && field.count == 1);
	must(address_equal(&again.last, address));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *value = (const char *)bytes;
	struct seen seen = { 0 }, lenient = { 0 };
	struct from_field field = from_grammar_parse(value, size, keep, &seen);

	must(field.count == seen.count && field.at >= value && field.at <= value + size);
	must(from_header_parse(value, size, keep, &lenient) == (lenient.count > 0));
	if (field.refusal != NULL)
		return 0;
	must(seen.count > 0);
	must(lenient.count == seen.count && lenient.sum == seen.sum);
	/* One of more than 200 bytes may be too long beside a name, or at a subdomain. */
	if (seen.last.text_len <= 200 &&
		utf8_valid_len(seen.last.text, seen.last.text_len) == seen.last.text_len)
		read_again(&seen.last);
	return 0;
}
