/*
 * Makes the commands that several examinations of doctor print: changes of Postfix's parameters and
 * of postern.conf, reloads and restarts. Owns nothing. t/integration/test_doctor_sockets.py covers
 * it.
 */
#include "ctl/doctor/doctor_commands.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/doctor/doctor_quote.h"
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

/* Add a list with commas in place of white space, which postconf -P refuses. */
static void add_compact(struct strbuf *out, const char *list)
{
	static const char spaces[] = " \t\r\n";

	for (; *list != '\0'; list++) {
		if (strchr(spaces, *list) == NULL) {
			strbuf_add_char(out, *list);
			continue;
		}
		list += strspn(list, spaces) - 1;
		if (list[1] != '\0' && strchr(",{}", list[1]) == NULL && out->len > 0 &&
			strchr(",{", out->text[out->len - 1]) == NULL)
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

struct section_search {
	const char *section;
	bool is_found;
};

static int look_at_entry(void *context, const struct ini_entry *entry, struct errmsg *err)
{
	struct section_search *search = context;

	(void)err;
	if (strcmp(entry->section, search->section) == 0)
		search->is_found = true;
	return 0;
}

/* Return whether the file has that section. */
static bool has_section(const struct config *config, const char *section)
{
	struct section_search search = { section, false };
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
	return search.is_found;
}

void doctor_set_key(struct doctor_finding *finding, const struct doctor *doctor,
	const char *section, const char *name, const char *value)
{
	struct strbuf script = STRBUF_INIT, path = STRBUF_INIT;
	const struct config *config = doctor->config;
	unsigned line;

	if (config == NULL || finding == NULL)
		return;
	line = config_line(config, section, name);
	if (line > 0)
		strbuf_addf(&script, "%uc %s = %s", line, name, value);
	else if (has_section(config, section))
		strbuf_addf(&script, "/^[[:space:]]*\\[%s\\]/a %s = %s", section, name, value);
	if (script.len > 0 && !script.failed) {
		doctor_shell(finding, "sed", "-i", script.text, config->path, (const char *)NULL);
	} else if (doctor_quote_shell(&path, config->path) == 0 && !path.failed) {
		doctor_shell_line(finding, "printf '[%s]\\n%s = %s\\n' >> %s", section, name, value,
			path.text);
	}
	strbuf_free(&script);
	strbuf_free(&path);
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
