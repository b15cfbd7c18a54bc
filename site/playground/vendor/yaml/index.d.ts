// Which types does the YAML library have? The script that builds the site copies the library itself into this folder of the site.
export * from "yaml";
