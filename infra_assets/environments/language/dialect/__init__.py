"""YAML as yaml.v3 reads it: text to events, by libyaml where the two agree, else by a scanner and a parser that follow yaml.v3's."""
