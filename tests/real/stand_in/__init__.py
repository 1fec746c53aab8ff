"""What the tests have in place of FreePBX's `fwconsole reload` and Issabel's `module_admin reload`.

It reads the platform's tables and AstDB and writes the files that Asterisk includes, as those programs do: from the
same places, with their gaps (no `account` row, no section; a `;` in a PJSIP password cuts it). What the API forgets to
write is missing here too. The dialplan is simplified, and reads at call time what theirs reads at call time.
"""
