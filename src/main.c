/* main: the program's entry; chooses the subcommand. */
int main(void)
{
    return 0;
}
