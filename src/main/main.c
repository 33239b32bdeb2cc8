/* main.c: the one program: picks the verb. */
#include <stdio.h>

int main(void)
{
	puts("mainstay");
	return 0;
}
