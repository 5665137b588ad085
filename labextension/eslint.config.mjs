import eslint from '@eslint/js';
import typescript from 'typescript-eslint';

export default typescript.config(
  { ignores: ['lib', '.tests', 'node_modules'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [typescript.configs.strictTypeChecked, typescript.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', 50]
    }
  },
  {
    // `node:test` returns promises that nobody has to wait for
    files: ['tests/**'],
    rules: { '@typescript-eslint/no-floating-promises': 'off', 'max-lines-per-function': 'off' }
  }
);
