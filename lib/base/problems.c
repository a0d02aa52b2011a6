#include "lib/base/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct problems {
	size_t count, kept;
	char *texts[PROBLEMS_KEPT];
};

struct problems *problems_new(void)
{
	return calloc(1, sizeof(struct problems));
}

void problems_free(struct problems **problems)
{
	size_t i;

	if (*problems == NULL)
		return;
	for (i = 0; i < (*problems)->kept; i++)
		free((*problems)->texts[i]);
	free(*problems);
	*problems = NULL;
}

void problems_add(struct problems *problems, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (problems == NULL)
		return;
	problems->count++;
	if (problems->kept == PROBLEMS_KEPT)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if ((problems->texts[problems->kept] = strdup(text)) != NULL)
		problems->kept++;
}

size_t problems_count(const struct problems *problems)
{
	return problems->count;
}

size_t problems_kept(const struct problems *problems)
{
	return problems->kept;
}

const char *problems_text(const struct problems *problems, size_t i)
{
	return problems->texts[i];
}
