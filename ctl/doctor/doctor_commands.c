/*
 * Makes the commands that several examinations of doctor print: changes of Postfix's parameters and
 * of postern.conf, reloads and restarts. Owns nothing. t/unit/test_doctor_commands.c and
 * t/integration/test_doctor_sockets.py cover it.
 */
#include "ctl/doctor/doctor_commands.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/paste_quote.h"
#include "lib/base/strbuf.h"
#include "lib/conf/file.h"
#include "lib/conf/ini.h"

#define CONFIG_BYTES_MAX ((uint64_t)1 << 20)

void doctor_postconf(struct doctor_finding *finding, const struct doctor_instance *instance,
	const char *option, const char *value)
{
	if (instance->is_default)
		doctor_shell(finding, "postconf", option, value, (const char *)NULL);
	else
		doctor_shell(finding, "postconf", "-c", instance->folder, option, value,
			(const char *)NULL);
}

/* Add a list with commas in place of white space, which postconf -P refuses, and without any white
 * space around "=" and at braces, as in "{inet:localhost:9,default_action=accept}". */
static void add_compact(struct strbuf *out, const char *list)
{
	static const char spaces[] = " \t\r\n";

	for (; *list != '\0'; list++) {
		if (strchr(spaces, *list) == NULL) {
			strbuf_add_char(out, *list);
			continue;
		}
		list += strspn(list, spaces) - 1;
		if (list[1] != '\0' && strchr(",{}=", list[1]) == NULL && out->len > 0 &&
			strchr(",{=", out->text[out->len - 1]) == NULL)
			strbuf_add_char(out, ',');
	}
}

void doctor_set_parameter(struct doctor_finding *finding, const struct doctor_instance *instance,
	const struct doctor_service *service, const char *name, const char *value)
{
	struct strbuf text = STRBUF_INIT;

	if (service != NULL && json_object_get(service->overrides, name) != NULL) {
		strbuf_addf(&text, "%s/%s=", service->key, name);
		add_compact(&text, value);
		doctor_postconf(finding, instance, "-P", text.failed ? "" : text.text);
	} else {
		strbuf_addf(&text, "%s = %s", name, value);
		doctor_postconf(finding, instance, "-e", text.failed ? "" : text.text);
	}
	strbuf_free(&text);
}

void doctor_reload_postfix(struct doctor_finding *finding, const struct doctor_instance *instance)
{
	if (instance->is_default)
		doctor_shell(finding, "postfix", "reload", (const char *)NULL);
	else
		doctor_shell(finding, "postfix", "-c", instance->folder, "reload",
			(const char *)NULL);
}

/* A key that is searched for in postern.conf. */
struct key_search {
	const char *section, *name;
	bool has_section, is_set;
};

static int look_at_entry(void *context, const struct ini_entry *entry, struct errmsg *err)
{
	struct key_search *search = context;

	(void)err;
	if (strcmp(entry->section, search->section) != 0)
		return 0;
	search->has_section = true;
	if (entry->name != NULL && strcmp(entry->name, search->name) == 0)
		search->is_set = true;
	return 0;
}

/* Return whether the file has that section and that key in it. */
static struct key_search find_key(const struct config *config, const char *section,
	const char *name)
{
	struct key_search search = { .section = section, .name = name };
	struct problems *errors = problems_new();
	struct errmsg ignored;
	char *text;
	size_t len;

	if (errors != NULL &&
		file_read(config->path, CONFIG_BYTES_MAX, &text, &len, NULL, &ignored) ==
			FILE_READ) {
		(void)ini_read_all(config->path, text, len, look_at_entry, &search, errors,
			&ignored);
		free(text);
	}
	problems_free(&errors);
	return search;
}

/*
 * Make a script for sed that replaces the key of the section, or else adds it behind the header. It
 * has no line numbers, which another command may have shifted before.
 */
static void add_script(struct strbuf *script, const char *section, const char *name, bool is_set,
	const char *setting)
{
	strbuf_addf(script, "/^\\s*\\[\\s*%s\\s*\\]/", section);
	if (is_set)
		strbuf_addf(script, ",/^\\s*\\[/s|^\\s*%s\\s*=.*|", name);
	else
		strbuf_add_str(script, "a ");
	for (; *setting != '\0'; setting++) {
		if (strchr(is_set ? "\\&|" : "\\", *setting) != NULL)
			strbuf_add_char(script, '\\');
		strbuf_add_char(script, *setting);
	}
	if (is_set)
		strbuf_add_char(script, '|');
}

/* Add the command that appends a new section; the file may lack a final line feed. */
static void add_section(struct doctor_finding *finding, const char *path, const char *section,
	const char *setting)
{
	struct strbuf header = STRBUF_INIT, line = STRBUF_INIT;
	int quoted;

	strbuf_addf(&header, "[%s]", section);
	strbuf_add_str(&line, "printf '\\n%s\\n%s\\n' ");
	quoted = paste_quote_shell(&line, header.failed ? "" : header.text);
	strbuf_add_char(&line, ' ');
	quoted |= paste_quote_shell(&line, setting);
	strbuf_add_str(&line, " >> ");
	quoted |= paste_quote_shell(&line, path);
	if (quoted == 0 && !header.failed && !line.failed)
		doctor_shell_line(finding, "%s", line.text);
	strbuf_free(&header);
	strbuf_free(&line);
}

void doctor_set_key(struct doctor_finding *finding, const struct doctor *doctor,
	const char *section, const char *name, const char *value)
{
	struct strbuf script = STRBUF_INIT, setting = STRBUF_INIT;
	const struct config *config = doctor->config;
	struct key_search found;
	char *path;

	if (config == NULL || finding == NULL)
		return;
	if ((path = realpath(config->path, NULL)) == NULL) /* sed -i would replace a link */
		return;
	found = find_key(config, section, name);
	strbuf_addf(&setting, "%s = %s", name, value);
	if (!setting.failed && !found.has_section) {
		add_section(finding, path, section, setting.text);
	} else if (!setting.failed) {
		add_script(&script, section, name, found.is_set, setting.text);
		if (!script.failed)
			doctor_shell(finding, "sed", "-i", script.text, path, (const char *)NULL);
	}
	free(path);
	strbuf_free(&script);
	strbuf_free(&setting);
}

void doctor_reload_postern(struct doctor_finding *finding, const struct doctor *doctor)
{
	if (strcmp(doctor->ctl->config_path, CONFIG_FILE_DEFAULT) == 0)
		doctor_shell(finding, "posternctl", "reload", (const char *)NULL);
	else
		doctor_shell(finding, "posternctl", "-c", doctor->ctl->config_path, "reload",
			(const char *)NULL);
}

void doctor_restart_postern(struct doctor_finding *finding)
{
	doctor_shell(finding, "service", "postern", "restart", (const char *)NULL);
}
