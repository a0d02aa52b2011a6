/*
 * Fuzzes the Dovecot authentication protocol. A parsed command is sound, and an answer that quotes
 * it stays on one line.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/auth/dovecot_proto.h"
#include "t/fuzz/fuzz.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* An answer that quotes the peer is still one line. */
static void answer(const struct dovecot_command *command)
{
	struct strbuf out = STRBUF_INIT;
	const char *said = command->response == NULL ? "" : command->response;

	dovecot_fail(&out, command->id, said, said);
	must(strchr(out.text, '\n') == out.text + out.len - 1);
	strbuf_reset(&out);
	dovecot_ok(&out, command->id, said);
	must(strchr(out.text, '\n') == out.text + out.len - 1);
	strbuf_reset(&out);
	dovecot_continue(&out, command->id, said, command->response_len);
	must(strchr(out.text, '\n') == out.text + out.len - 1);
	strbuf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *line = malloc(size + 1);
	struct dovecot_command command;
	struct errmsg err;

	memcpy(line, bytes, size);
	line[size] = '\0';
	if (memchr(line, '\n', size) == NULL && dovecot_parse(line, size, &command, &err) == 0) {
		must(command.verb != DOVECOT_AUTH || command.mechanism[0] != '\0');
		must(command.response == NULL ||
			(command.response >= line &&
				command.response + command.response_len == line + size));
		answer(&command);
	}
	free(line);
	return 0;
}
