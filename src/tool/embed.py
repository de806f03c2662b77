"""embed.py NAME FILE OUTPUT: writes a C source that holds the file's bytes as `const struct str NAME`."""
import sys

name, source, output = sys.argv[1:]
with open(source, 'rb') as f:
    data = f.read()
with open(output, 'w') as f:
    f.write('#include "tool/app.h"\n\nstatic const char bytes[] = {\n')
    for at in range(0, len(data), 20):
        f.write('    ' + ' '.join('%d,' % b for b in data[at:at + 20]) + '\n')
    f.write('};\n\nconst struct str %s = {bytes, sizeof bytes};\n' % name)
