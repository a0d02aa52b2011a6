/*
 * Prints a completion script for bash, made from the table of commands and the words of their
 * usage. Owns nothing. t/integration/test_completion.py covers it.
 */
#include "ctl/completion.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/print.h"
#include "lib/base/strbuf.h"

static const char script_head[] =
	"# Completion for bash; posternctl completion prints it.\n"
	"_posternctl()\n"
	"{\n"
	"    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= words= i\n"
	"    case $prev in\n"
	"    -c | --config | -s | --socket)\n"
	"        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"        return ;;\n"
	"    esac\n"
	"    for ((i = 1; i < COMP_CWORD; i++)); do\n"
	"        case ${COMP_WORDS[i]} in\n"
	"        -c | --config | -s | --socket) ((i++)) ;;\n"
	"        -*) ;;\n"
	"        *)\n"
	"            command=${COMP_WORDS[i]}\n"
	"            break ;;\n"
	"        esac\n"
	"    done\n"
	"    case $command in\n";

static const char script_tail[] =
	"    esac\n"
	"    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	"}\n"
	"complete -F _posternctl posternctl\n";

static bool contains_word(const struct strbuf *words, const char *word, size_t len)
{
	const char *at = words->text;

	for (; at != NULL && (at = memmem(at, strlen(at), word, len)) != NULL; at += len) {
		if (at[len] == ' ' && (at == words->text || at[-1] == ' '))
			return true;
	}
	return false;
}

/* Add the words of text, each once: options and, unless options_only, words in small letters. */
static void add_words(struct strbuf *words, const char *text, bool options_only)
{
	static const char letters[] =
		"0123456789abcdefghijklmnopqrstuvwxyz-"; /* digits in options */
	char before = ' ';
	size_t len;

	for (; *text != '\0'; before = text[-1]) {
		len = strspn(text, *text == '-' ? letters : letters + 10);
		if (len == 0 || isalnum((unsigned char)before) ||
			isalnum((unsigned char)text[len]) || (*text != '-' && options_only)) {
			text += len == 0 ? 1 : len;
			continue;
		}
		if (!contains_word(words, text, len) && strspn(text, "-") < len)
			strbuf_addf(words, "%.*s ", (int)len, text);
		text += len;
	}
}

static void print_case(const char *pattern, const struct strbuf *words)
{
	print_text(stdout, "    %s) words='%s", pattern, words->text != NULL ? words->text : "");
	print_text(stdout, "' ;;");
	print_end(stdout);
}

/* Print a case with the words that may follow each command, and one for the commands themselves. */
static int print_cases(const struct command *commands)
{
	struct strbuf names = STRBUF_INIT, words = STRBUF_INIT;
	const struct command *command;
	bool failed = false;

	for (command = commands; command->name != NULL; command++)
		strbuf_addf(&names, "%s ", command->name);
	for (command = commands; command->name != NULL; command++) {
		strbuf_reset(&words);
		add_words(&words, command->arguments, false);
		if (command->usage != NULL)
			add_words(&words, command->usage, true);
		if (strcmp(command->arguments, "[COMMAND]") == 0 && !names.failed)
			strbuf_add_str(&words, names.text);
		failed = failed || words.failed;
		print_case(command->name, &words);
	}
	strbuf_add_str(&names,
		"-c --config -s --socket --json --colour=auto --colour=always "
		"--colour=never ");
	print_case("''", &names);
	failed = failed || names.failed;
	strbuf_free(&names);
	strbuf_free(&words);
	return failed ? command_fail(CTL_FAILED, &(struct errmsg){ "out of memory" }) : CTL_OK;
}

int completion_print(const struct command *commands)
{
	int ret;

	print_lines(stdout, script_head);
	ret = print_cases(commands);
	print_lines(stdout, script_tail);
	return ret;
}
