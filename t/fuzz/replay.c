/*
 * A main() for a fuzz target without libFuzzer: it runs every file of the folders in its arguments
 * through the target once. valgrind watches it, which cannot watch a program with libFuzzer's
 * instrumentation.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "t/fuzz/fuzz.h"

/* The buffer has the size of the file, so that memcheck sees a read behind its end. */
static int replay_file(const char *path)
{
	struct stat about;
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL;
	size_t size = 0;
	int ret = -1;

	if (file != NULL && fstat(fileno(file), &about) == 0) {
		size = (size_t)about.st_size;
		bytes = malloc(size);
	}
	if (bytes != NULL && fread(bytes, 1, size, file) == size) {
		(void)LLVMFuzzerTestOneInput(bytes, size);
		ret = 0;
	} else {
		perror(path);
	}
	free(bytes);
	if (file != NULL)
		(void)fclose(file);
	return ret;
}

/* Returns the number of files that were run, or -1. */
static int replay_folder(const char *folder)
{
	DIR *entries = opendir(folder);
	const struct dirent *entry;
	char path[4096];
	int count = 0;

	if (entries == NULL) {
		perror(folder);
		return -1;
	}
	/* cppcheck-suppress readdirCalled ; there is one thread */
	while (count >= 0 && (entry = readdir(entries)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		count = replay_file(path) == 0 ? count + 1 : -1;
	}
	(void)closedir(entries);
	return count;
}

/* A target may define it, to prepare what all inputs share. */
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

int main(int argc, char **argv)
{
	int count = 0;

	if (LLVMFuzzerInitialize != NULL)
		(void)LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc && count >= 0; i++)
		count = replay_folder(argv[i]);
	(void)printf("%d inputs\n", count);
	return count > 0 ? 0 : 1;
}
